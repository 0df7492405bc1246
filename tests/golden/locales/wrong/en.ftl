# A name that nobody knows, near and far from one.
login-headign = Sign in
weather = Fine
# What the text is not told, what it leaves out, and what it refers to.
verify-sent = We sent { $digit } digits to { $address }. { login-nothing } { -company }
mail-code-first = Look below.
support = Call { $number }
login-submit = { NUMBER(1) }
login-password = One
login-password = Two
