"""The parcel and its life: what it carries, the moves it can make, how it is found."""
