"""What a change of a facility or an organization moves, asked before it is stored; and every
facility that any previewed change moves, in pages and as a file."""
