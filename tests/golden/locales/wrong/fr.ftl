login-heading = { login-submit }
login-submit = { login-heading }
