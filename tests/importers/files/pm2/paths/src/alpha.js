console.log('alpha', globalThis.compat); setInterval(() => {}, 1000);
