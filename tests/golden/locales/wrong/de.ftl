login-heading Anmelden
verify-valid =
    { $minutes ->
        [one] Eine Minute.
        [other] Minuten.
    }
login-password =
    .title = Passwort
login-remember = }
verify-code = { "Code }
login-submit = { verify-submit
