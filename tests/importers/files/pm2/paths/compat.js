globalThis.compat = "compat";
