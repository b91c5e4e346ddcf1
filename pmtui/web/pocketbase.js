// The site.js of the page under PocketBase, at /_pm/: the API is at PocketBase's own address, and superusers sign in.

export const root = new URL("../..", import.meta.url);
export const hasStreams = false; // PocketBase holds a response back until its end

export const signIn = {
  text: "Sign in as a superuser of this PocketBase.",
  fields: [
    { name: "identity", label: "Email", type: "email", autocomplete: "username" },
    { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
  ],
};
export const refusals = { 401: "Your session has ended; sign in again.", 403: "This account is not a superuser." };

const PATH = "api/collections/_superusers/auth-with-password";
const DASHBOARD = new URL("_/", root);
const [WRONG, SECOND_FACTOR] = [
  "Wrong email or password.",
  `This account needs a second factor. Sign in to PocketBase's dashboard (${DASHBOARD}), then reload this page.`,
];

export async function tokenFor(answers) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(answers), credentials: "omit" };
  const response = await fetch(new URL(PATH, root), options).catch(() => {
    throw new Error("PocketBase does not answer.");
  });
  const { token, mfaId, message } = await response.json().catch(() => ({}));
  if (token) return token;
  throw new Error(mfaId ? SECOND_FACTOR : response.status === 400 ? WRONG : message || `PocketBase answered ${response.status}.`);
}

/** The token of someone who is signed in to PocketBase's dashboard; older versions keep it under the second name. */
export function tokenAtHand() {
  const names = [`__pb_superusers__${DASHBOARD.pathname.slice(0, -1)}`, "__pb_superuser_auth__"];
  return names.map((name) => validToken(localStorage.getItem(name))).find(Boolean) ?? "";
}

function validToken(stored) {
  try {
    const { token } = JSON.parse(stored);
    const { exp } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return exp * 1000 > Date.now() && token;
  } catch {
    return ""; // no superuser is signed in there
  }
}
