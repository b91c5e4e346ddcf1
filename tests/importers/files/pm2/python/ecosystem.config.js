module.exports = {
  apps : [
    {
      name   : "scraper",
      script : "scraper.py",
      interpreter : "python3",
      interpreter_args : "-u",
      args   : ["--every", "60", "--out", "data/prices.csv"],
      env: { PYTHONUNBUFFERED: 1, TZ: "Europe/Berlin" },
      max_memory_restart: '1G',
      log_file: "/dev/null",
      pid_file: "./scraper.pid",
      treekill: true,
      vizion: false,
      pmx: false,
      uid: "nobody",
    },
    { name: "venv-bot", script: "bot.py", interpreter: "./.venv/bin/python", cwd: "." },
    { name: "static", script: "./bin/serve", exec_interpreter: "none", exec_mode: "fork_mode" },
  ],
}
