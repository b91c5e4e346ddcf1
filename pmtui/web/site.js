// Where the API is, and how people sign in. PocketBase, as the host, serves pocketbase.js instead of this file.

export const root = new URL("..", import.meta.url); // of `api/pm/…`: the folder that holds index.html
export const hasStreams = true; // else the page asks every second

export const signIn = {
  text: "Run “pmtui open” on the machine of the manager, or paste the token: it is in .pmtui/token beside the config.",
  fields: [{ name: "token", label: "Token", type: "password", autocomplete: "current-password" }],
};
export const refusals = { 401: "That token is not accepted." }; // answers that end a session, by their status

/** The token for the answers to these fields; throws an Error whose message people can read. */
export const tokenFor = async (answers) => answers.token;
export const tokenAtHand = () => ""; // that this browser has from elsewhere
