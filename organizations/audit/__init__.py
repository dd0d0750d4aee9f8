"""What happened in an organization that somebody may have to answer for, kept in an unbroken chain.

What is recorded, how, and how the chain is verified. What a row was before and after is history's.
"""
