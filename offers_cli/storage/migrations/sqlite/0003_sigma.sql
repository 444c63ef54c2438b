-- The small sigma at a word's end is the same letter as inside a word, as it is in folding.py from now on.
UPDATE offers SET title_folded = replace(title_folded, 'ς', 'σ') WHERE instr(title_folded, 'ς');
