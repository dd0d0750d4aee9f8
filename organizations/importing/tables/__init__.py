"""What a file looks like from outside: its encoding, dividers, header, and cells that are more than
their text. What a cell means is not decided here.
"""
