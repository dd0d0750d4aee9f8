"""Who is calling: API keys, tokens, roles, lock-outs, and who a change is recorded for.

No resource and no rule about a tenant's rows lives here.
"""
