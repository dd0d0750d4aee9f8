"""One command a module, named `verb_object`."""
