"""Convert the configs of other process managers, and report what is lost.

`detect.import_file` is the entry: it finds out the format, calls its reader and drops what our loader would refuse
(`repair`). A reader fills a `builder.ConfigBuilder`, which accounts for every foreign field: carried over, unnecessary,
or lost with a reason. `formats` reads YAML and relaxed JSON, `shell_words` decides if a command needs a shell, `locate`
finds the line that a message is about, `scan` proposes processes for `pmtui init`.

To add a format: a reader here, and its name and file names in `detect`.
"""
