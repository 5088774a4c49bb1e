"""How a policy treats groups of applicants, and what a policy that treats them more alike would be made of.

Pure arithmetic on arrays: which columns are protected and which models are tried is settled in
``scorewright.flows.fairness``.
"""
