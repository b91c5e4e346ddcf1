// Where the API is, and how people sign in: a host with other addresses or accounts serves its own version of this file.

/** What `api/pm/…` is resolved against: the folder that holds index.html. */
export const root = new URL("..", import.meta.url);

export const signIn = {
  text: "Run “pmtui open” on the machine of the manager, or paste the token: it is in .pmtui/token beside the config.",
  fields: [{ name: "token", label: "Token", type: "password", autocomplete: "current-password" }],
};

/** The token for the answers to these fields; throws an Error whose message people can read. */
export const tokenFor = async (answers) => answers.token;
