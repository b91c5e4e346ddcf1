console.log("storefront", process.env.NODE_ENV, process.env.PORT);
setInterval(() => {}, 1000);
