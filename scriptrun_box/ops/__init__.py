"""Running the box: is it alive, can it take orders, how does it fare."""
