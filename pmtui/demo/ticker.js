// Tells the time every other second, and says goodbye when it is asked to end.
const timer = setInterval(() => console.log(`tick ${new Date().toISOString()}`), 2000);
process.on("SIGTERM", () => {
  console.log("goodbye");
  clearInterval(timer);
});
