"""The board: every open package of a day by who has it, moved by mouse, keys or form."""
