# The company's own words.
-company = { $form ->
   *[short] Example
    [long] Example Corp
 }
login-heading = Sign in at { -company(form: "long") }
problem-too-many =
    { $minutes ->
        [one] Slow down: { $minutes } minute.
       *[other] Slow down: { $minutes } minutes.
    }
