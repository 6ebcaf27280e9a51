"""The screens of controlled substances: for pharmacists and the owner."""
