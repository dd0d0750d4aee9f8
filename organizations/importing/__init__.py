"""Any file into rows: spreadsheets, the meaning of cells, counts, refused rows, the command.

What a row means (a facility, a bill, a factor) is decided in the app that owns it.
"""
