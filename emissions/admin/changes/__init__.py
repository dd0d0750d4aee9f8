"""One page of all changes: who, when, from what to what, why; with what undoes them."""
