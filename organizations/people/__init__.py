"""How people come into an organization and prove who they are: invitations, mail, joining.

What a member may do once they are in is access's.
"""
