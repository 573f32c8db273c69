#!/usr/bin/env python3
"""Write python_characters.inc: what Python's str.lower, str.upper and repr do with each character.

Asks Python itself about every character, so the two cannot differ. The published chat templates are evaluated in
Python: `dictsort` compares names by str.lower, `upper` is str.upper, and lists are printed with repr.

usage: make_python_characters.py > python_characters.inc
"""
import sys
import unicodedata

CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]


def ranges(holds):
    found = []
    for code in CODES:
        if not holds(chr(code)):
            continue
        # Surrogates between two characters do not end a range: no text has any.
        if found and (found[-1][1] == code - 1 or (found[-1][1], code) == (0xD7FF, 0xE000)):
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def case_ranges(change):
    """Characters that become one other, as [first, last, step, difference]."""
    found = []
    for code in CODES:
        changed = change(chr(code))
        if len(changed) != 1 or ord(changed) == code:
            continue
        difference = ord(changed) - code
        last = found[-1] if found else None
        if last and last[3] == difference and code - last[1] in (1, 2) and last[2] in (0, code - last[1]):
            last[1], last[2] = code, code - last[1]
        else:
            found.append([code, code, 0, difference])
    return [[first, last, step or 1, difference] for first, last, step, difference in found]


def strings(change):
    """Characters that become several."""
    return [(code, change(chr(code))) for code in CODES if len(change(chr(code))) != 1]


# A capital sigma becomes a final one behind a cased letter and before none, where characters that have no say are
# passed over. Those are found by what they do to a sigma beside them.
def is_ignored(c):
    return ("a\u03A3" + c).lower()[1] == "\u03C2" and ("a\u03A3" + c + "a").lower()[1] == "\u03C3"


def is_cased(c):
    return ("a\u03A3" + c).lower()[1] == "\u03C3"


def write(name, type_name, items):
    print(f"constexpr {type_name} {name}[] = {{")
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > 110:
            print(line)
            line = "   "
        line += f" {item},"
    print(line)
    print("};")


def quoted(text):
    return '"' + "".join(f"\\x{byte:02X}" for byte in text.encode()) + '"'


print(f"// Written by make_python_characters.py with Python {sys.version_info[0]}.{sys.version_info[1]}, "
      f"Unicode {unicodedata.unidata_version}.")
for name, change in (("Lower", str.lower), ("Upper", str.upper)):
    write(f"k{name}", "CaseRange",
          [f"{{0x{first:X}, 0x{last:X}, {step}, {difference}}}" for first, last, step, difference in case_ranges(change)])
    write(f"k{name}Strings", "CaseString", [f"{{0x{code:X}, {quoted(text)}}}" for code, text in strings(change)])
for name, holds in (("kNotPrintable", lambda c: not c.isprintable()), ("kCased", is_cased), ("kIgnoredByCase", is_ignored)):
    write(name, "CodeRange", [f"{{0x{first:X}, 0x{last:X}}}" for first, last in ranges(holds)])
