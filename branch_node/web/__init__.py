"""The branch's web application. So far it only says whether the branch works; the till joins later."""
