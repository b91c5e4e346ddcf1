console.log('beta', globalThis.compat); setInterval(() => {}, 1000);
