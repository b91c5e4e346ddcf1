"""How things look: symbols, tones, colors and number formats.

`glyphs` has the symbols in Unicode and ASCII and the tone of each status; the command line uses it too, so it imports
neither Textual nor Rich. `styles` turns tones into Rich styles of the current theme, `themes` are our own themes, and
`formats` writes quantities, times and cut texts.
"""
