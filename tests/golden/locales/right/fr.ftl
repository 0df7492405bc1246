login-heading = Se connecter
