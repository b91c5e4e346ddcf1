console.log("relay", process.env.VERSION); setInterval(() => {}, 1000);
