# Every text that Vestibule shows or mails, in English.
#
# A message's name says where it stands. What is in braces is filled in: keep the names, move them as the language
# wants. Messages that belong to one page stand together, in the order in which the page shows them.

## Every page

# The title of a browser's tab. $page: what the page is about; $title: the company's title from the configuration.
page-title = { $page } · { $title }
# The same, while the page says that something went wrong.
page-title-problem = Problem: { $page } · { $title }
# Before the address of the helpdesk.
support = Need help?
use-another-account = Use a different account
# A point in time. $day and $month are numbers, $year, $hour and $minute are written out.
moment =
    { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    } { $year }, { $hour }:{ $minute } UTC

## The frame of the pages behind the sign-in

# For those who go by keyboard: past the links at the top.
nav-skip = Skip to content
nav-label = Main
nav-apps = Apps
nav-account = My account
nav-admin = Administration
nav-logout = Sign out
nav-who = Signed in as { $name }

## Parts of those pages

# After the label of a field that may stay empty.
field-optional = optional
form-problems =
    { $count ->
        [one] Something needs your attention:
       *[other] { $count } things need your attention:
    }
search-submit = Search
# The links between the pages of a long list.
pager-label = Pages
pager-previous = Previous
pager-next = Next
pager-range = { $from } to { $to } of { $total }
# A thousand, as it is written: what stands between its digits groups those of every number.
number-example = 1,000
# A number that stands alone.
number = { $number }

## Sign in

login-heading = Sign in
# $destination: the host name of the app that the visitor wanted to open.
login-destination = to continue to { $destination }
login-username = Username or e-mail address
login-password = Password
login-show-password = Show password
login-remember = Keep me signed in on this device
login-submit = Sign in

## The e-mailed code

verify-heading = Check your mail
# $address: masked, as a***e@example.com.
verify-sent = We sent a { $digits }-digit code to { $address }.
# Instead of the former, when the mail server did not take the mail.
verify-not-sent = The code goes to { $address }.
verify-valid =
    { $minutes ->
        [one] It is valid for one minute.
       *[other] It is valid for { $minutes } minutes.
    }
verify-code = Code
verify-submit = Continue
verify-no-mail = No mail? Look in the spam folder, too.
verify-resend = Send the code again
verify-resend-spent = No mail? Look in the spam folder. If it does not come, start over.

## One more step, for those who are signed in with their password alone

step-up-heading = Confirm it is you
step-up-why = This page asks for a code besides your password.
step-up-who = You are signed in as { $username }. We will mail a code to { $address }.
step-up-submit = Mail me a code

## After signing in

continue-heading = Welcome back, { $name }
continue-why = You are signed in. Taking you on now.
continue-link = Continue

## Sign out

logout-heading = Sign out?
logout-who = You are signed in as { $username }. Signing out ends it for every app, on this device.
logout-submit = Sign out
logout-stay = Stay signed in

## The apps

apps-heading = Your apps
apps-none = There is no app yet that you may open. Ask your administrator for access.

## Register

register-heading = Ask for an account
# Where everybody gets one.
register-heading-open = Make an account
register-name = Name
register-email = E-mail address
register-username = Username
register-username-help = Leave it empty to have one made from your e-mail address.
register-password = Password
# $minimum: how many characters.
register-password-help = { $minimum } characters or more, such as three or four words.
register-submit = Continue
register-sign-in = Sign in instead
register-start-over = Start over
# $domain: what stands behind the @.
register-domain = Addresses at { $domain } cannot register here. Use the address of your company.
register-username-heading = Choose another username
register-username-taken = This username is taken. Choose another.
register-username-lead = Your e-mail address is confirmed. What is missing is a username.
register-done-heading = Your request is on its way
register-done = An administrator decides about it. You will get a mail.
register-done-open-heading = Your account is ready
register-done-open = You can sign in now, with your username or your e-mail address.
register-done-sign-in = Sign in

## Forgotten password

reset-link = Forgot your password?
reset-ask-heading = Forgot your password?
reset-heading = Choose a new password
reset-lead = We will mail you a link.
reset-login = Username or e-mail address
reset-submit = Mail me a link
reset-sent-heading = Check your mail
reset-sent = If there is an account of that name or address, a mail with a link is on its way to its e-mail address. The link is valid for 30 minutes.
reset-sent-none = No mail? Look in the spam folder, or try your other addresses.
reset-sign-in = Back to sign-in
# $username: whose password it is.
reset-whose = For the account { $username }.
reset-password = New password
reset-set = Set the password
reset-dead = This link has expired or was used already. Ask for another.
reset-done-heading = Your password is changed
reset-done = Every sign-in with the old one has ended. Sign in with the new one.

## My account

account-heading = My account
# For somebody whose account stands in a file, or who cannot change it for another reason.
account-not-here = Your account is kept by your administrators. Ask them if something in it should be changed.
account-again-why = To change your e-mail address or your password, or to end sessions, you need to have signed in within the last ten minutes.
account-again = Sign in again
account-profile = Profile
account-username = Username
account-email = E-mail address
account-groups = Groups
account-groups-none = none
account-name = Name
account-language = Language of pages and mails
account-language-browser = As my browser asks for
# The name of the language that this file is written in.
account-language-name = English
account-profile-submit = Save profile
account-email-why = We mail your sign-in codes there.
account-email-new = New e-mail address
account-email-new-help = We mail a code there. Your address changes once you have entered it here.
account-email-submit = Mail me a code
# $address: the new one, as typed.
account-email-waiting = We mailed a code to { $address }. Until you enter it, your address stays as it is.
account-email-waiting-help = No mail? Look in the spam folder, and check the address for typing errors.
account-email-code = Code
account-email-confirm = Change my address
account-email-again = Send a new code
account-email-stop = Keep my present address
account-email-same = This is your address already.
account-email-domain = With this address no account can be had here. Ask your administrator.
account-email-gone = This change is over: it took too long, or had too many wrong codes. Start it again.
account-email-soon = A mail is on its way. Please wait a moment before you have another one sent.
account-password = Password
account-password-present = Present password
account-password-new = New password
# $minimum: how many characters it has at least.
account-password-help = { $minimum } characters or more, such as three or four words. Afterwards you are signed out everywhere else.
account-password-submit = Change password
account-password-wrong = This is not your present password.
account-password-same = This is your password already. Choose another.
account-sessions = Where you are signed in
account-sessions-none = You are signed in nowhere else.
account-session-browser = Browser
account-session-address = Address
account-session-started = Signed in
account-session-used = Last used
account-session-act = Action
account-session-this = This session
account-session-end = End session
account-sessions-end = End all other sessions
account-sessions-end-question = You are then signed out everywhere but here.
account-sessions-end-confirm = Yes, end them
account-devices = Known browsers
account-devices-why = In these browsers you have signed in before. A browser that you do not know any more, or never knew, should be forgotten; signing in there is then as the first time.
account-devices-none = No browser is known.
account-device-first = First sign-in
account-device-last = Last sign-in
account-device-this = This browser
account-device-forget = Forget

# How long ago something was, if not long.
ago-now = just now
ago-minutes =
    { $minutes ->
        [one] a minute ago
       *[other] { $minutes } minutes ago
    }
ago-hours =
    { $hours ->
        [one] an hour ago
       *[other] { $hours } hours ago
    }
## Administration: on every page

# The ways within administration; $count: how many wait for a decision.
admin-way-queue =
    { $count ->
        [0] Requests
       *[other] Requests ({ $count })
    }
admin-way-accounts = Accounts
admin-way-trail = Audit trail
# To whom everything is open but changes.
admin-again = You signed in more than ten minutes ago. To change something here, sign in again first.
admin-again-link = Sign in again
admin-username = Username
admin-name = Name
admin-email = E-mail address
admin-groups = Groups
admin-groups-help = Separated by commas.
admin-groups-wrong = Separate the names of groups by commas. A name has 1 to 64 characters.
admin-reason = Reason
admin-reason-help = It stands in the mail.
admin-reason-long = This is too long. A reason may have 500 characters.
admin-status = State
admin-status-pending = Waiting
admin-status-approved = Approved
admin-status-rejected = Rejected
admin-status-disabled = Disabled
admin-status-file = In a file
admin-last-sign-in = Last sign-in
admin-address = Address
admin-browser = Browser
admin-actions = Actions
# An account that is no more.
admin-deleted = { $name } (deleted)
# Those at the machine: in a column, and after "by" in a sentence.
admin-command-line = Command line
admin-by-command-line = the command line
# Why nothing was done. $who: a username; $when: a point in time.
admin-why-approved = Approved already, by { $who } on { $when }.
admin-why-rejected = Rejected already, by { $who } on { $when }.
admin-why-decided = This has been decided already.
admin-why-barred = This account is rejected or disabled, so that a link would be of no use.
admin-why-yourself = Nobody decides over their own account. Ask another administrator.
admin-why-file = This account stands in a file, and is changed there.
admin-why-not-told = This is done, but the account’s sessions could not be told and may go on for half a minute. End them in the list of its sessions in a moment.
admin-why-gone = There is no such account any more.

## Administration: who waits

admin-queue-heading = Requests
admin-queue-none = Nobody is waiting for a decision.
admin-since = Waiting since
admin-pick = Pick
admin-pick-all = Pick all on this page
admin-pick-none = Pick at least one request.
admin-decide-heading = Decide over those picked
admin-approve-picked = Approve
admin-reject-picked = Reject
admin-outcome-heading = Not everything could be done
admin-outcome = What came of it
admin-outcome-done = Done.

## Administration: the accounts

admin-accounts-heading = Accounts
admin-search = Username, address or name
admin-show = Show
admin-show-all = All
admin-show-pending = Waiting
admin-show-approved = Approved
admin-show-rejected = Rejected
admin-show-disabled = Disabled
admin-members-of = Members of { $group } alone.
admin-all-groups = Show all groups
admin-accounts-count =
    { $count ->
        [one] 1 account
       *[other] { $count } accounts
    }
admin-accounts-none = There is no such account.

## Administration: one account

admin-account-own = This is your own account. Another administrator decides over it.
admin-account-file = This account stands in a file of the configuration. Edit the file to change it.
admin-state-heading = State
admin-email-verified = Address verified
admin-decision = Decision
# $who: a username; $when: a point in time.
admin-decision-what = by { $who } on { $when }
admin-attribute = Attribute
admin-created = Created
admin-never = Never
admin-id = Id
admin-approve = Approve
admin-approve-ask = Approve { $username } after all? A mail says so.
admin-approve-heading = Approve this request
admin-reject = Reject
admin-reject-heading = Reject
# Opens the question and the form.
admin-reject-open = Reject …
admin-reject-ask = Take back the approval of { $username }? Every session ends at once, and a mail says so.
admin-enable = Enable
admin-disable = Disable
admin-disable-ask = Shut { $username } out? Every session ends at once.
admin-unlock = Unlock
admin-reset = Send reset mail
admin-reset-ask = Mail { $username } a link to choose a new password?
admin-delete = Delete …
admin-groups-submit = Save groups
admin-sessions-heading = Sessions
admin-sessions-none = There is no session now.
admin-session-started = Signed in
admin-session-seen = Last used
admin-session-host = At
admin-end-session = End
admin-end-sessions = End all sessions
admin-end-sessions-ask = End every session of this account, on all its devices?
admin-devices-heading = Known browsers
admin-devices-none = No browser is known.
admin-device-first = First used
admin-forget-device = Forget
admin-trail-all = Everything that the trail says of this account

## Administration: deleting an account

admin-delete-heading = Delete this account?
admin-delete-what = { $username } ({ $email }) is deleted for good, with all its sessions.
admin-delete-why = Neither the username nor the address is handed to anybody else afterwards, and the audit trail stays. To shut somebody out for a while, disable the account instead.
admin-delete-submit = Delete for good
admin-delete-stay = Keep it

## Administration: the audit trail

admin-trail-heading = Audit trail
admin-trail-what = The latest entries stand first. Times are in UTC, as in the log.
admin-trail-of = Account: name, address or id
admin-trail-event = Event
admin-trail-since = From (UTC)
admin-trail-until = Up to and including (UTC)
admin-trail-submit = Show
admin-trail-unknown = No account has this name or address, and none had it.
admin-trail-wrong-day = Enter a day as 2026-11-22.
admin-trail-when = When
admin-trail-by = By
admin-trail-account = Account
admin-trail-detail = Detail
admin-trail-request = Request
admin-trail-none = The trail says nothing of that.

## What went wrong with a form

problem-credentials = Invalid username or password.
problem-credentials-hint = Check the name, and type the password again.
problem-pending = Your account is pending administrator approval.
problem-disabled = Your account has been disabled. Contact your administrator.
problem-code = Invalid or expired code.
problem-code-hint = Type the code from the newest mail.
problem-expired = Your sign-in has expired. Please start over.
problem-registration-expired = Your registration has expired. Please start over.
problem-mail = We could not send your code. Please try again.
problem-too-many =
    { $minutes ->
        [one] Too many attempts. Try again in 1 minute.
       *[other] Too many attempts. Try again in { $minutes } minutes.
    }
problem-too-soon = A code is on its way. Please wait a moment before you have it sent again.
problem-busy = We are very busy. Please try again in a moment.
problem-username-missing = Enter your username or e-mail address.
problem-password-missing = Enter your password.
problem-code-missing = Enter the code from the mail.

## What went well

note-sent-again = We sent your code again.
# On the sign-in form, for somebody who is signed in already and wanted to change something.
note-sign-in-again = What you want to change needs a sign-in within the last ten minutes. Nothing has been changed yet: sign in again, then repeat it.
note-signed-in-again = You have signed in again. For the next ten minutes you can make the change.
note-profile-changed = Your profile is saved.
note-password-changed = Your password is changed. Everywhere else you are signed out.
note-address-changed = Your e-mail address is changed.
note-address-kept = Your e-mail address stays as it is.
note-session-ended = That session has ended.
note-sessions-ended = All other sessions have ended.
note-device-forgotten = That browser is forgotten.
note-approved = Approved. A mail says so.
note-rejected = Rejected. A mail says so.
note-disabled = The account is disabled, and its sessions have ended.
note-enabled = The account is enabled again.
note-unlocked = Wrong passwords and wrong codes are forgotten.
note-deleted = The account is deleted.
note-groups-changed = The groups are changed.
note-all-sessions-ended = All sessions have ended.
note-reset-sent = A mail with a link to choose a new password is on its way.

## Error pages: a heading, then what happened and what to do

error-sign-in = Please sign in
error-sign-in-what = This address is open to people who have signed in.
error-sign-in-link = Sign in
error-bad-request = This request makes no sense to us
error-bad-request-what = Something in it is malformed. Go back, and try it again from the start.
error-forbidden = You have no access to this page
error-forbidden-what = The rules of this site do not let you open it. If they should, ask your administrator.
error-wrong-origin = This did not come from here
error-wrong-origin-what = We accept forms from our own pages only. Open the page again, and repeat what you did.
error-insecure = This address is served over https only
error-insecure-what = Type the address again with https:// in front.
error-not-found = There is no page here
error-not-found-what = The address may be mistyped, or the page may have moved.
error-method = This page cannot be used in that way
error-method-what = Open it by its address instead.
error-too-large = That is too large
error-too-large-what = What you sent is more than this site accepts. Send less at once.
error-address-too-long = That address is too long
error-address-too-long-what = Shorten it, or start from the front page.
error-expectation = We cannot do what your program expects
error-expectation-what = It sent an Expect header that we do not know. Send the request without it.
error-unknown-host = This site is not served here
error-unknown-host-what = The address reached us, but no site of this name is set up. Check the name for typing errors.
error-headers-too-large = Your browser sent too much at once
error-headers-too-large-what = Its cookies for this site have grown too large. Delete them, and open the page again.
error-internal = Something went wrong on our side
error-internal-what = It has been written down. Try again in a moment.
error-upstream = The app did not answer as it should
error-upstream-what = It may be starting up or broken. Try again in a moment.
error-unavailable = This site is not available just now
error-unavailable-what = We are working on it, and you stay signed in. Try again in a moment.
error-maintenance = This site is being worked on
error-maintenance-what = It will be back before long. Try again in a few minutes.
error-maintenance-sign-in = Administrators can sign in
error-timeout = The app took too long
error-timeout-what = It may be very busy. Try again in a moment.
# $id: what support can look up in the log.
error-request-id = Request { $id }
error-who = You are signed in as { $username }.

## When a sign-in cannot come to its end

explain-cookies = Your browser keeps no cookies from us
explain-cookies-what = We need one to know you from the next visitor. Allow cookies for this site, then try again.
explain-hand-over = We could not take you to the app
explain-hand-over-what = The way there was interrupted, or used twice. Try again; if it fails once more, close your other tabs of this site first.
explain-circles = You are signed in, but this site does not see it
explain-circles-what = Your browser was sent back and forth, so we stopped. Something on the way loses our cookie, or this site is set up wrongly. Wait a moment and try again; if it goes on, tell your administrator.
explain-retry = Try again

## The mail with a code

mail-code-subject = Your sign-in code for { $title }
mail-code-first = Your sign-in code is { $code }.
mail-code-intro = Your sign-in code is
# $app: the title or host name of what the visitor wanted to open.
mail-code-valid =
    { $minutes ->
        [one] It is valid for one minute and signs you in to { $app }.
       *[other] It is valid for { $minutes } minutes and signs you in to { $app }.
    }
mail-code-started = The sign-in was started from:
mail-code-browser = Browser
mail-code-address = Address
mail-code-time = Time
mail-code-not-you = If this was not you, somebody knows your password: do not pass the code on, and change your password or tell your administrator.
mail-code-never = Nobody from us will ever ask you for this code.
mail-sender = Sent by { $title }, because somebody is signing in with your account.

# $browser and $system are product names, such as Firefox and Linux.
browser-on-system = { $browser } on { $system }
browser-unknown = an unknown browser

## The mail with a code that proves the address of somebody who registers

mail-register-subject = Your code for { $title }
mail-register-first = Your code is { $code }.
mail-register-intro = Your code is
# $app: the host name of the site.
mail-register-valid =
    { $minutes ->
        [one] It is valid for one minute and confirms your address to { $app }.
       *[other] It is valid for { $minutes } minutes and confirms your address to { $app }.
    }
mail-register-started = The registration was started from:
mail-register-not-you = If this was not you, somebody typed your address by mistake: do not pass the code on, there is nothing else to do.
mail-register-sender = Sent by { $title }, because somebody registers with your address.
# Instead of the former, for somebody who has an account and wants another address for it.
mail-prove-valid =
    { $minutes ->
        [one] It is valid for one minute and makes this your address at { $app }.
       *[other] It is valid for { $minutes } minutes and makes this your address at { $app }.
    }
mail-prove-started = The change was started from:
mail-prove-sender = Sent by { $title }, because somebody wants to use this address for their account.

## Mails about an account: what was asked for, what was decided, what has happened

mail-notice-sender = Sent by { $title }.
mail-waiting-subject = { $title }: somebody asks for an account
mail-waiting = Somebody asks for an account at { $title } and waits for your decision. The e-mail address is confirmed.
mail-waiting-link = Decide
mail-waiting-name = Name
mail-waiting-username = Username
mail-waiting-email = E-mail address
mail-waiting-then = The applicant will be told what you decide.
mail-approved-subject = Your account at { $title } is ready
mail-approved = Your account at { $title } has been approved. You can sign in now, as { $username } or with your e-mail address.
mail-approved-link = Sign in
mail-rejected-subject = Your request for an account at { $title }
mail-rejected = Your request for an account at { $title } has been rejected.
# $reason: what the administrator wrote.
mail-decision-reason = The reason: { $reason }
mail-known-subject = Your account at { $title }
mail-known = Somebody, probably you, asked for an account at { $title } with this address. You have one already: sign in with it.
mail-known-link = Sign in
mail-known-pending = Somebody, probably you, asked for an account at { $title } with this address. You have asked for one already, and an administrator has yet to decide. You will get a mail.
mail-known-barred = Somebody, probably you, asked for an account at { $title } with this address. You have one already, which was turned down or disabled, so that nobody can sign in with it. Please ask your administrator.
# $page: an address.
mail-known-reset = If you do not know your password any more, choose another: { $page }
mail-asked-not-you = If this was not you, there is nothing to do.
mail-retired = Somebody, probably you, wanted an account at { $title } with this address. It belonged to another account before, so that nobody else can have it. Please ask your administrator.
mail-reset-subject = Choose a new password for { $title }
mail-reset = Somebody, probably you, asked for a new password for the account { $username } at { $title }.
mail-reset-valid =
    { $minutes ->
        [one] The link is valid for one minute, and works once.
       *[other] The link is valid for { $minutes } minutes, and works once.
    }
mail-reset-link = Choose a new password
mail-reset-elsewhere = The password of this account cannot be changed here. Please ask your administrator for a new one.
mail-reset-administrator = Please choose a new password for your account { $username } at { $title }. Your administrator asks you to.
mail-reset-not-you = If this was not you, there is nothing to do: your password stays as it is. Do not pass the link on.
mail-invited-subject = Your account at { $title }
mail-invited = An account was made for you at { $title }. Your username is { $username }. Choose a password, then you can sign in.
mail-invited-valid =
    { $hours ->
        [one] The link is valid for one hour, and works once.
       *[other] The link is valid for { $hours } hours, and works once.
    }
mail-invited-link = Choose a password
mail-invited-again = If it has expired, ask for another: { $page }
mail-password-subject = Your password for { $title } was changed
mail-password = The password of your account { $username } at { $title } was changed. Wherever it was signed in, it is not any more, except where the password was changed.
mail-password-not-you = If this was not you, choose a new password at once and tell your administrator: { $page }
mail-address-subject = Your e-mail address at { $title } was changed
# $address: the new one, masked.
mail-address = The e-mail address of your account { $username } at { $title } was changed to { $address }. Codes go there from now on.
mail-address-not-you = If this was not you, tell your administrator at once.
mail-wanted-subject = { $title }: somebody wanted to use your e-mail address
mail-wanted = Somebody wanted to use this e-mail address for their account at { $title }. It belongs to your account, so nothing has been changed.
mail-wanted-then = If this was you, with a second account, take another address for that one. If not, there is nothing to do.
mail-device-subject = New sign-in to { $title }
mail-device = Your account { $username } at { $title } was signed in to from a browser for the first time.
mail-device-not-you = If this was not you, choose a new password at once and tell your administrator: { $page }
mail-device-not-you-ask = If this was not you, tell your administrator at once.

## What is wrong with an address that was typed

address-missing = Enter your e-mail address.
address-too-long = This is too long for an e-mail address.
address-no-at = An e-mail address has an @ in it, like alice@example.com.
address-two-ats = Enter one e-mail address, with one @ in it.
address-local-part = Check what stands before the @. It must not be empty, nor begin or end with a dot.
# $character: the character, or its code point (U+202E) if it does not show.
address-character = An e-mail address must not contain this: { $character }
address-look-alikes = This address mixes letters of different alphabets that look alike. Type it again.
address-domain = Check what stands after the @. It should look like example.com.

## What is wrong with a name that was typed

username-missing = Choose a username.
username-too-long = This is too long for a username. It may have 64 characters.
username-beginning = A username begins with a letter or a digit.
username-character = A username has letters from a to z, digits, dots, hyphens and underscores. It must not contain this: { $character }
username-reserved = The username { $username } is reserved. Choose another.
name-missing = Enter your name.
name-too-long = This is too long for a name. It may have 100 characters.
name-character = A name must not contain this: { $character }
name-marks = A name must not have so many marks on one letter.
name-link = A name must not contain a web address.

## What is wrong with a password that was chosen

password-missing = Choose a password.
password-short = This password is too short. Take { $minimum } characters or more, such as three or four words.
password-long = This password is too long.
password-common = Many people use this password, so it is tried first. Choose another, such as three or four words that have nothing to do with each other.
password-repeats = This password repeats a few characters. Choose one that is harder to guess.
password-sequence = This password is a row of letters or digits in their order. Choose one that is harder to guess.
# $part: a word of the name, in lower case.
password-holds-username = Choose a password without your username in it: { $part }
password-holds-address = Choose a password without your e-mail address in it: { $part }
password-holds-name = Choose a password without your name in it: { $part }
password-holds-title = Choose a password without the name of this site in it: { $part }
