"""What comes in: packages of other machines, and files that other software made. What goes out is `publish`."""
