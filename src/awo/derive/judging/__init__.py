"""What models are asked to judge, how their answers are read, and what follows from them; all of it pure."""
