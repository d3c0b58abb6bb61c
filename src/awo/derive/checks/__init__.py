"""What is wrong with a plan as far as the plan alone tells: names that lead nowhere, found before anything is asked."""
