"""The inventory of a year: what it says, on the wire and as a workbook."""
