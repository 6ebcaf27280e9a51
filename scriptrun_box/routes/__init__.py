"""A driver's ordered stops for a day: made by hand or planned, driven, and finished."""
