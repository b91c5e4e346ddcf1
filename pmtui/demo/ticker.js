// Print the time every two seconds, and say goodbye on SIGTERM.
const timer = setInterval(() => console.log(`tick ${new Date().toISOString()}`), 2000);
process.on("SIGTERM", () => {
  console.log("goodbye");
  clearInterval(timer);
});
