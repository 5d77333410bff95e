"""What-if branches: the plan with changes that a planner tries, compares, and accepts or throws away."""
