"""From PDs to decisions: costs, the threshold that loses least, measures, intervals, curves and the policy.

Everything here is a pure function of arrays. The rule is the same everywhere: refuse when ``pd >= threshold``.
"""
