console.log("night");
