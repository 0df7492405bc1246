# Alles, was Vestibule anzeigt und verschickt, auf Deutsch.
#
# Der Name einer Nachricht sagt, wo sie steht; was in geschweiften Klammern steht, wird eingesetzt. Was eingesetzt wird
# und wozu eine Nachricht da ist, erklärt en.ftl an gleicher Stelle.

## Every page

page-title = { $page } · { $title }
page-title-problem = Fehler: { $page } · { $title }
support = Brauchen Sie Hilfe?
use-another-account = Mit einem anderen Konto anmelden
moment =
    { $day }. { $month ->
        [1] Januar
        [2] Februar
        [3] März
        [4] April
        [5] Mai
        [6] Juni
        [7] Juli
        [8] August
        [9] September
        [10] Oktober
        [11] November
       *[12] Dezember
    } { $year }, { $hour }:{ $minute } Uhr (UTC)

## The frame of the pages behind the sign-in

nav-skip = Zum Inhalt springen
nav-label = Hauptnavigation
nav-apps = Anwendungen
nav-account = Mein Konto
nav-admin = Administration
nav-logout = Abmelden
nav-who = Angemeldet als { $name }

## Parts of those pages

field-optional = optional
form-problems =
    { $count ->
        [one] Bitte prüfen Sie diese Angabe:
       *[other] Bitte prüfen Sie diese { $count } Angaben:
    }
search-submit = Suchen
pager-label = Seiten
pager-previous = Zurück
pager-next = Weiter
pager-range = { $from } bis { $to } von { $total }
number-example = 1.000
number = { $number }

## Sign in

login-heading = Anmelden
login-destination = weiter zu { $destination }
login-username = Benutzername oder E-Mail-Adresse
login-password = Passwort
login-show-password = Passwort anzeigen
login-remember = Auf diesem Gerät angemeldet bleiben
login-submit = Anmelden

## The e-mailed code

verify-heading = Sehen Sie in Ihr Postfach
verify-sent = Wir haben einen { $digits }-stelligen Code an { $address } geschickt.
verify-not-sent = Der Code geht an { $address }.
verify-valid =
    { $minutes ->
        [one] Er gilt eine Minute lang.
       *[other] Er gilt { $minutes } Minuten lang.
    }
verify-code = Code
verify-submit = Weiter
verify-no-mail = Keine E-Mail erhalten? Sehen Sie auch im Spam-Ordner nach.
verify-resend = Code erneut senden
verify-resend-spent = Keine E-Mail erhalten? Sehen Sie im Spam-Ordner nach. Ist sie auch dort nicht, beginnen Sie die Anmeldung von vorn.

## One more step, for those who are signed in with their password alone

step-up-heading = Bestätigen Sie, dass Sie es sind
step-up-why = Diese Seite verlangt zusätzlich zum Passwort einen Code.
step-up-who = Sie sind als { $username } angemeldet. Wir schicken einen Code an { $address }.
step-up-submit = Code zusenden

## After signing in

continue-heading = Willkommen zurück, { $name }
continue-why = Sie sind angemeldet und werden gleich weitergeleitet.
continue-link = Weiter

## Sign out

logout-heading = Abmelden?
logout-who = Sie sind als { $username } angemeldet. Wenn Sie sich abmelden, gilt das auf diesem Gerät für alle Anwendungen.
logout-submit = Abmelden
logout-stay = Angemeldet bleiben

## The apps

apps-heading = Ihre Anwendungen
apps-none = Für Sie ist noch keine Anwendung freigegeben. Wenden Sie sich an Ihre Administration.

## Register

register-heading = Konto beantragen
register-heading-open = Konto anlegen
register-name = Name
register-email = E-Mail-Adresse
register-username = Benutzername
register-username-help = Lassen Sie das Feld leer, dann bilden wir einen aus Ihrer E-Mail-Adresse.
register-password = Passwort
register-password-help = Mindestens { $minimum } Zeichen, zum Beispiel drei oder vier Wörter.
register-submit = Weiter
register-sign-in = Stattdessen anmelden
register-start-over = Von vorn beginnen
register-domain = Mit Adressen bei { $domain } kann man sich hier nicht registrieren. Verwenden Sie die Adresse Ihres Unternehmens.
register-username-heading = Wählen Sie einen anderen Benutzernamen
register-username-taken = Dieser Benutzername ist vergeben. Wählen Sie einen anderen.
register-username-lead = Ihre E-Mail-Adresse ist bestätigt. Es fehlt nur noch ein Benutzername.
register-done-heading = Ihr Antrag ist unterwegs
register-done = Die Administration entscheidet darüber. Sie erhalten eine E-Mail.
register-done-open-heading = Ihr Konto ist bereit
register-done-open = Sie können sich jetzt anmelden, mit Ihrem Benutzernamen oder Ihrer E-Mail-Adresse.
register-done-sign-in = Anmelden

## Forgotten password

reset-link = Passwort vergessen?
reset-ask-heading = Passwort vergessen?
reset-heading = Neues Passwort wählen
reset-lead = Wir schicken Ihnen einen Link.
reset-login = Benutzername oder E-Mail-Adresse
reset-submit = Link zusenden
reset-sent-heading = Sehen Sie in Ihr Postfach
reset-sent = Wenn es ein Konto mit diesem Namen oder dieser Adresse gibt, ist eine E-Mail mit einem Link an seine E-Mail-Adresse unterwegs. Der Link gilt 30 Minuten.
reset-sent-none = Keine E-Mail erhalten? Sehen Sie im Spam-Ordner nach, oder versuchen Sie es mit Ihren anderen Adressen.
reset-sign-in = Zurück zur Anmeldung
reset-whose = Für das Konto { $username }.
reset-password = Neues Passwort
reset-set = Passwort setzen
reset-dead = Dieser Link ist abgelaufen oder wurde schon verwendet. Fordern Sie einen neuen an.
reset-done-heading = Ihr Passwort ist geändert
reset-done = Alle Anmeldungen mit dem alten sind beendet. Melden Sie sich mit dem neuen an.

## My account

account-heading = Mein Konto
account-not-here = Ihr Konto wird von Ihrer Administration geführt. Wenden Sie sich an sie, wenn etwas daran geändert werden soll.
account-again-why = Um E-Mail-Adresse oder Passwort zu ändern oder Sitzungen zu beenden, müssen Sie sich in den letzten zehn Minuten angemeldet haben.
account-again = Noch einmal anmelden
account-profile = Profil
account-username = Benutzername
account-email = E-Mail-Adresse
account-groups = Gruppen
account-groups-none = keine
account-name = Name
account-language = Sprache der Seiten und E-Mails
account-language-browser = Wie im Browser eingestellt
account-language-name = Deutsch
account-profile-submit = Profil speichern
account-email-why = Dorthin schicken wir Ihre Anmeldecodes.
account-email-new = Neue E-Mail-Adresse
account-email-new-help = Wir schicken einen Code dorthin. Die Adresse ändert sich, sobald Sie ihn hier eingegeben haben.
account-email-submit = Code zusenden
account-email-waiting = Wir haben einen Code an { $address } geschickt. Bis Sie ihn eingeben, bleibt Ihre Adresse, wie sie ist.
account-email-waiting-help = Keine E-Mail erhalten? Sehen Sie im Spam-Ordner nach und prüfen Sie die Adresse auf Tippfehler.
account-email-code = Code
account-email-confirm = Adresse ändern
account-email-again = Neuen Code senden
account-email-stop = Bisherige Adresse behalten
account-email-same = Das ist bereits Ihre Adresse.
account-email-domain = Mit dieser Adresse ist hier kein Konto möglich. Wenden Sie sich an Ihre Administration.
account-email-gone = Diese Änderung ist beendet: Sie hat zu lange gedauert, oder es wurden zu viele falsche Codes eingegeben. Beginnen Sie noch einmal.
account-email-soon = Eine E-Mail ist bereits unterwegs. Bitte warten Sie einen Moment, bevor Sie noch eine anfordern.
account-password = Passwort
account-password-present = Bisheriges Passwort
account-password-new = Neues Passwort
account-password-help = Mindestens { $minimum } Zeichen, zum Beispiel drei oder vier Wörter. Danach sind Sie überall sonst abgemeldet.
account-password-submit = Passwort ändern
account-password-wrong = Das ist nicht Ihr bisheriges Passwort.
account-password-same = Das ist bereits Ihr Passwort. Wählen Sie ein anderes.
account-sessions = Wo Sie angemeldet sind
account-sessions-none = Sie sind sonst nirgends angemeldet.
account-session-browser = Browser
account-session-address = IP-Adresse
account-session-started = Angemeldet
account-session-used = Zuletzt benutzt
account-session-act = Aktion
account-session-this = Diese Sitzung
account-session-end = Sitzung beenden
account-sessions-end = Alle anderen Sitzungen beenden
account-sessions-end-question = Sie sind dann überall außer hier abgemeldet.
account-sessions-end-confirm = Ja, beenden
account-devices = Bekannte Browser
account-devices-why = Mit diesen Browsern haben Sie sich schon einmal angemeldet. Lassen Sie einen Browser vergessen, den Sie nicht mehr oder noch nie benutzt haben; dort gilt die nächste Anmeldung wieder als die erste.
account-devices-none = Es ist kein Browser bekannt.
account-device-first = Erste Anmeldung
account-device-last = Letzte Anmeldung
account-device-this = Dieser Browser
account-device-forget = Vergessen

ago-now = gerade eben
ago-minutes =
    { $minutes ->
        [one] vor einer Minute
       *[other] vor { $minutes } Minuten
    }
ago-hours =
    { $hours ->
        [one] vor einer Stunde
       *[other] vor { $hours } Stunden
    }
## Administration: on every page

# Die Wege innerhalb der Verwaltung; $count: wie viele auf eine Entscheidung warten.
admin-way-queue =
    { $count ->
        [0] Anträge
       *[other] Anträge ({ $count })
    }
admin-way-accounts = Konten
admin-way-trail = Protokoll
# Für alle, denen alles offen steht, nur keine Änderung.
admin-again = Ihre Anmeldung liegt mehr als zehn Minuten zurück. Um hier etwas zu ändern, melden Sie sich zuerst noch einmal an.
admin-again-link = Noch einmal anmelden
admin-username = Benutzername
admin-name = Name
admin-email = E-Mail-Adresse
admin-groups = Gruppen
admin-groups-help = Durch Kommas getrennt.
admin-groups-wrong = Trennen Sie die Namen der Gruppen durch Kommas. Ein Name hat 1 bis 64 Zeichen.
admin-reason = Begründung
admin-reason-help = Sie steht in der E-Mail.
admin-reason-long = Das ist zu lang. Eine Begründung darf 500 Zeichen haben.
admin-status = Stand
admin-status-pending = Wartet
admin-status-approved = Freigegeben
admin-status-rejected = Abgelehnt
admin-status-disabled = Gesperrt
admin-status-file = In einer Datei
admin-last-sign-in = Letzte Anmeldung
admin-address = Adresse
admin-browser = Browser
admin-actions = Aktionen
# Ein Konto, das es nicht mehr gibt.
admin-deleted = { $name } (gelöscht)
# Wer an der Maschine arbeitet: in einer Spalte, und nach "von" in einem Satz.
admin-command-line = Kommandozeile
admin-by-command-line = der Kommandozeile
# Warum nichts geschehen ist. $who: ein Benutzername; $when: ein Zeitpunkt.
admin-why-approved = Bereits freigegeben, von { $who } am { $when }.
admin-why-rejected = Bereits abgelehnt, von { $who } am { $when }.
admin-why-decided = Das ist bereits entschieden.
admin-why-barred = Dieses Konto ist abgelehnt oder gesperrt; ein Link würde nichts nützen.
admin-why-yourself = Niemand entscheidet über das eigene Konto. Wenden Sie sich an jemand anderen aus der Administration.
admin-why-file = Dieses Konto steht in einer Datei und wird dort geändert.
admin-why-not-told = Das ist geschehen, doch die Sitzungen des Kontos konnten nicht benachrichtigt werden und bestehen vielleicht noch eine halbe Minute fort. Beenden Sie sie gleich in der Liste seiner Sitzungen.
admin-why-gone = Dieses Konto gibt es nicht mehr.

## Administration: who waits

admin-queue-heading = Anträge
admin-queue-none = Niemand wartet auf eine Entscheidung.
admin-since = Wartet seit
admin-pick = Auswahl
admin-pick-all = Alle auf dieser Seite auswählen
admin-pick-none = Wählen Sie mindestens einen Antrag aus.
admin-decide-heading = Über die ausgewählten entscheiden
admin-approve-picked = Freigeben
admin-reject-picked = Ablehnen
admin-outcome-heading = Nicht alles war möglich
admin-outcome = Was daraus wurde
admin-outcome-done = Erledigt.

## Administration: the accounts

admin-accounts-heading = Konten
admin-search = Benutzername, Adresse oder Name
admin-show = Anzeigen
admin-show-all = Alle
admin-show-pending = Wartende
admin-show-approved = Freigegebene
admin-show-rejected = Abgelehnte
admin-show-disabled = Gesperrte
admin-members-of = Nur Mitglieder von { $group }.
admin-all-groups = Alle Gruppen anzeigen
admin-accounts-count =
    { $count ->
        [one] 1 Konto
       *[other] { $count } Konten
    }
admin-accounts-none = Ein solches Konto gibt es nicht.

## Administration: one account

admin-account-own = Das ist Ihr eigenes Konto. Darüber entscheidet jemand anderes aus der Administration.
admin-account-file = Dieses Konto steht in einer Datei der Konfiguration. Bearbeiten Sie die Datei, um es zu ändern.
admin-state-heading = Stand
admin-email-verified = Adresse bestätigt
admin-decision = Entscheidung
# $who: ein Benutzername; $when: ein Zeitpunkt.
admin-decision-what = von { $who } am { $when }
admin-attribute = Attribut
admin-created = Angelegt
admin-never = Noch nie
admin-id = Kennung
admin-approve = Freigeben
admin-approve-ask = { $username } doch noch freigeben? Eine E-Mail teilt es mit.
admin-approve-heading = Diesen Antrag freigeben
admin-reject = Ablehnen
admin-reject-heading = Ablehnen
admin-reject-open = Ablehnen …
admin-reject-ask = Die Freigabe von { $username } zurücknehmen? Alle Sitzungen enden sofort, und eine E-Mail teilt es mit.
admin-enable = Entsperren
admin-disable = Sperren
admin-disable-ask = { $username } aussperren? Alle Sitzungen enden sofort.
admin-unlock = Fehlversuche vergessen
admin-reset = Link für neues Passwort senden
admin-reset-ask = { $username } einen Link zum Wählen eines neuen Passworts senden?
admin-delete = Löschen …
admin-groups-submit = Gruppen speichern
admin-sessions-heading = Sitzungen
admin-sessions-none = Zurzeit gibt es keine Sitzung.
admin-session-started = Angemeldet
admin-session-seen = Zuletzt benutzt
admin-session-host = Bei
admin-end-session = Beenden
admin-end-sessions = Alle Sitzungen beenden
admin-end-sessions-ask = Alle Sitzungen dieses Kontos auf allen Geräten beenden?
admin-devices-heading = Bekannte Browser
admin-devices-none = Kein Browser ist bekannt.
admin-device-first = Zuerst benutzt
admin-forget-device = Vergessen
admin-trail-all = Alles, was das Protokoll über dieses Konto sagt

## Administration: deleting an account

admin-delete-heading = Dieses Konto löschen?
admin-delete-what = { $username } ({ $email }) wird mit allen Sitzungen endgültig gelöscht.
admin-delete-why = Weder der Benutzername noch die Adresse geht danach an jemand anderen, und das Protokoll bleibt bestehen. Um jemanden nur eine Zeit lang auszusperren, sperren Sie das Konto.
admin-delete-submit = Endgültig löschen
admin-delete-stay = Behalten

## Administration: the audit trail

admin-trail-heading = Protokoll
admin-trail-what = Die neuesten Einträge stehen oben. Die Zeiten sind in UTC wie im Log.
admin-trail-of = Konto: Name, Adresse oder Kennung
admin-trail-event = Ereignis
admin-trail-since = Ab (UTC)
admin-trail-until = Bis einschließlich (UTC)
admin-trail-submit = Anzeigen
admin-trail-unknown = Kein Konto hat diesen Namen oder diese Adresse, und keines hatte sie.
admin-trail-wrong-day = Geben Sie einen Tag wie 2026-11-22 ein.
admin-trail-when = Wann
admin-trail-by = Von
admin-trail-account = Konto
admin-trail-detail = Näheres
admin-trail-request = Anfrage
admin-trail-none = Das Protokoll sagt nichts darüber.

## What went wrong with a form

problem-credentials = Benutzername oder Passwort ist falsch.
problem-credentials-hint = Prüfen Sie den Namen und geben Sie das Passwort noch einmal ein.
problem-pending = Ihr Konto muss erst noch von der Administration freigegeben werden.
problem-disabled = Ihr Konto ist gesperrt. Wenden Sie sich an Ihre Administration.
problem-code = Der Code ist falsch oder abgelaufen.
problem-code-hint = Geben Sie den Code aus der neuesten E-Mail ein.
problem-expired = Ihre Anmeldung ist abgelaufen. Bitte beginnen Sie von vorn.
problem-registration-expired = Ihre Registrierung ist abgelaufen. Bitte beginnen Sie von vorn.
problem-mail = Wir konnten Ihren Code nicht verschicken. Bitte versuchen Sie es noch einmal.
problem-too-many =
    { $minutes ->
        [one] Zu viele Versuche. Versuchen Sie es in 1 Minute noch einmal.
       *[other] Zu viele Versuche. Versuchen Sie es in { $minutes } Minuten noch einmal.
    }
problem-too-soon = Ein Code ist bereits unterwegs. Bitte warten Sie einen Moment, bevor Sie ihn erneut anfordern.
problem-busy = Gerade melden sich sehr viele Personen an. Bitte versuchen Sie es gleich noch einmal.
problem-username-missing = Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein.
problem-password-missing = Geben Sie Ihr Passwort ein.
problem-code-missing = Geben Sie den Code aus der E-Mail ein.

## What went well

note-sent-again = Wir haben Ihren Code noch einmal geschickt.
note-sign-in-again = Für diese Änderung müssen Sie sich in den letzten zehn Minuten angemeldet haben. Bisher wurde nichts geändert: Melden Sie sich noch einmal an und wiederholen Sie die Änderung.
note-signed-in-again = Sie haben sich noch einmal angemeldet. In den nächsten zehn Minuten können Sie die Änderung vornehmen.
note-profile-changed = Ihr Profil wurde gespeichert.
note-password-changed = Ihr Passwort wurde geändert. Überall sonst sind Sie abgemeldet.
note-address-changed = Ihre E-Mail-Adresse wurde geändert.
note-address-kept = Ihre E-Mail-Adresse bleibt, wie sie ist.
note-session-ended = Diese Sitzung wurde beendet.
note-sessions-ended = Alle anderen Sitzungen wurden beendet.
note-device-forgotten = Dieser Browser wurde vergessen.
note-approved = Freigegeben. Eine E-Mail teilt es mit.
note-rejected = Abgelehnt. Eine E-Mail teilt es mit.
note-disabled = Das Konto ist gesperrt, seine Sitzungen sind beendet.
note-enabled = Das Konto ist wieder entsperrt.
note-unlocked = Falsche Passwörter und falsche Codes sind vergessen.
note-deleted = Das Konto ist gelöscht.
note-groups-changed = Die Gruppen sind geändert.
note-all-sessions-ended = Alle Sitzungen sind beendet.
note-reset-sent = Eine E-Mail mit einem Link zum Wählen eines neuen Passworts ist unterwegs.

## Error pages: a heading, then what happened and what to do

error-sign-in = Bitte melden Sie sich an
error-sign-in-what = Diese Adresse ist nur für angemeldete Personen zugänglich.
error-sign-in-link = Anmelden
error-bad-request = Diese Anfrage ist fehlerhaft
error-bad-request-what = Wir können sie nicht verarbeiten. Gehen Sie zurück und versuchen Sie es von vorn.
error-forbidden = Sie haben keinen Zugriff auf diese Seite
error-forbidden-what = Ihr Konto ist für diese Seite nicht freigegeben. Wenn Sie Zugriff benötigen, wenden Sie sich an Ihre Administration.
error-wrong-origin = Diese Eingabe kam nicht von hier
error-wrong-origin-what = Wir nehmen nur Formulare von unseren eigenen Seiten an. Öffnen Sie die Seite neu und wiederholen Sie den Vorgang.
error-insecure = Diese Adresse ist nur über https erreichbar
error-insecure-what = Geben Sie die Adresse noch einmal ein, mit https:// davor.
error-not-found = Diese Seite gibt es nicht
error-not-found-what = Vielleicht enthält die Adresse einen Tippfehler, oder die Seite ist umgezogen.
error-method = So lässt sich diese Seite nicht verwenden
error-method-what = Öffnen Sie sie stattdessen über ihre Adresse.
error-too-large = Das ist zu groß
error-too-large-what = Sie haben mehr gesendet, als hier angenommen wird. Senden Sie weniger auf einmal.
error-address-too-long = Diese Adresse ist zu lang
error-address-too-long-what = Kürzen Sie sie, oder beginnen Sie auf der Startseite.
error-expectation = Was Ihr Programm erwartet, können wir nicht leisten
error-expectation-what = Es hat eine Expect-Kopfzeile gesendet, die wir nicht kennen. Senden Sie die Anfrage ohne sie.
error-unknown-host = Diese Website gibt es hier nicht
error-unknown-host-what = Die Adresse führt zu uns, aber unter diesem Namen ist nichts eingerichtet. Prüfen Sie den Namen auf Tippfehler.
error-headers-too-large = Ihr Browser hat zu viel auf einmal gesendet
error-headers-too-large-what = Seine Cookies für diese Website sind zu groß geworden. Löschen Sie sie und öffnen Sie die Seite neu.
error-internal = Bei uns ist etwas schiefgegangen
error-internal-what = Der Fehler wurde protokolliert. Bitte versuchen Sie es gleich noch einmal.
error-upstream = Die Anwendung hat nicht richtig geantwortet
error-upstream-what = Vielleicht startet sie gerade, oder sie ist gestört. Bitte versuchen Sie es gleich noch einmal.
error-unavailable = Diese Website ist gerade nicht erreichbar
error-unavailable-what = Wir arbeiten daran, und Sie bleiben angemeldet. Bitte versuchen Sie es gleich noch einmal.
error-maintenance = Diese Website wird gerade gewartet
error-maintenance-what = Sie ist bald wieder da. Bitte versuchen Sie es in einigen Minuten noch einmal.
error-maintenance-sign-in = Anmeldung für die Administration
error-timeout = Die Anwendung hat zu lange gebraucht
error-timeout-what = Vielleicht ist sie stark ausgelastet. Bitte versuchen Sie es gleich noch einmal.
error-request-id = Anfrage { $id }
error-who = Sie sind als { $username } angemeldet.

## When a sign-in cannot come to its end

explain-cookies = Ihr Browser speichert keine Cookies von uns
explain-cookies-what = Wir brauchen ein Cookie, um Sie wiederzuerkennen. Erlauben Sie Cookies für diese Website und versuchen Sie es dann noch einmal.
explain-hand-over = Wir konnten Sie nicht zur Anwendung weiterleiten
explain-hand-over-what = Die Weiterleitung wurde unterbrochen oder zweimal verwendet. Versuchen Sie es noch einmal; gelingt es wieder nicht, schließen Sie zuerst Ihre anderen Tabs dieser Website.
explain-circles = Sie sind angemeldet, aber diese Website erkennt es nicht
explain-circles-what = Ihr Browser wurde hin- und hergeschickt, deshalb haben wir angehalten. Unterwegs geht unser Cookie verloren, oder diese Website ist falsch eingerichtet. Warten Sie einen Moment und versuchen Sie es noch einmal; hilft das nicht, wenden Sie sich an Ihre Administration.
explain-retry = Noch einmal versuchen

## The mail with a code

mail-code-subject = Ihr Anmeldecode für { $title }
mail-code-first = Ihr Anmeldecode lautet { $code }.
mail-code-intro = Ihr Anmeldecode lautet
mail-code-valid =
    { $minutes ->
        [one] Er gilt eine Minute lang und meldet Sie bei { $app } an.
       *[other] Er gilt { $minutes } Minuten lang und meldet Sie bei { $app } an.
    }
mail-code-started = Die Anmeldung wurde gestartet von:
mail-code-browser = Browser
mail-code-address = Adresse
mail-code-time = Zeit
mail-code-not-you = Wenn Sie das nicht waren, kennt jemand Ihr Passwort: Geben Sie den Code nicht weiter, und ändern Sie Ihr Passwort oder verständigen Sie Ihre Administration.
mail-code-never = Niemand von uns wird Sie je nach diesem Code fragen.
mail-sender = Gesendet von { $title }, weil sich jemand mit Ihrem Konto anmeldet.

browser-on-system = { $browser } unter { $system }
browser-unknown = ein unbekannter Browser

## The mail with a code that proves the address of somebody who registers

mail-register-subject = Ihr Code für { $title }
mail-register-first = Ihr Code lautet { $code }.
mail-register-intro = Ihr Code lautet
mail-register-valid =
    { $minutes ->
        [one] Er gilt eine Minute lang und bestätigt Ihre Adresse gegenüber { $app }.
       *[other] Er gilt { $minutes } Minuten lang und bestätigt Ihre Adresse gegenüber { $app }.
    }
mail-register-started = Die Registrierung wurde gestartet von:
mail-register-not-you = Wenn Sie das nicht waren, hat jemand versehentlich Ihre Adresse eingegeben: Geben Sie den Code nicht weiter; sonst müssen Sie nichts tun.
mail-register-sender = Gesendet von { $title }, weil sich jemand mit Ihrer Adresse registriert.
mail-prove-valid =
    { $minutes ->
        [one] Er gilt eine Minute lang und macht dies zu Ihrer Adresse bei { $app }.
       *[other] Er gilt { $minutes } Minuten lang und macht dies zu Ihrer Adresse bei { $app }.
    }
mail-prove-started = Die Änderung wurde begonnen mit:
mail-prove-sender = Gesendet von { $title }, weil jemand diese Adresse für sein Konto verwenden möchte.

## Mails about an account: what was asked for, what was decided, what has happened

mail-notice-sender = Gesendet von { $title }.
mail-waiting-subject = { $title }: Jemand beantragt ein Konto
mail-waiting = Jemand beantragt ein Konto bei { $title } und wartet auf Ihre Entscheidung. Die E-Mail-Adresse ist bestätigt.
mail-waiting-link = Entscheiden
mail-waiting-name = Name
mail-waiting-username = Benutzername
mail-waiting-email = E-Mail-Adresse
mail-waiting-then = Ihre Entscheidung wird der antragstellenden Person mitgeteilt.
mail-approved-subject = Ihr Konto bei { $title } ist bereit
mail-approved = Ihr Konto bei { $title } wurde freigegeben. Sie können sich jetzt anmelden, als { $username } oder mit Ihrer E-Mail-Adresse.
mail-approved-link = Anmelden
mail-rejected-subject = Ihr Antrag auf ein Konto bei { $title }
mail-rejected = Ihr Antrag auf ein Konto bei { $title } wurde abgelehnt.
mail-decision-reason = Die Begründung: { $reason }
mail-known-subject = Ihr Konto bei { $title }
mail-known = Jemand, vermutlich Sie selbst, hat mit dieser Adresse ein Konto bei { $title } beantragt. Sie haben bereits eines: Melden Sie sich damit an.
mail-known-link = Anmelden
mail-known-pending = Jemand, vermutlich Sie selbst, hat mit dieser Adresse ein Konto bei { $title } beantragt. Sie haben bereits eines beantragt; darüber wird noch entschieden. Sie bekommen dann eine E-Mail.
mail-known-barred = Jemand, vermutlich Sie selbst, hat mit dieser Adresse ein Konto bei { $title } beantragt. Sie haben bereits eines, das abgelehnt oder gesperrt wurde, deshalb kann sich niemand damit anmelden. Wenden Sie sich an Ihre Administration.
mail-known-reset = Wenn Sie Ihr Passwort nicht mehr wissen, wählen Sie ein neues: { $page }
mail-asked-not-you = Wenn Sie das nicht waren, müssen Sie nichts tun.
mail-retired = Jemand, vermutlich Sie selbst, wollte mit dieser Adresse ein Konto bei { $title }. Sie gehörte früher zu einem anderen Konto, deshalb kann sie niemand sonst bekommen. Wenden Sie sich an Ihre Administration.
mail-reset-subject = Wählen Sie ein neues Passwort für { $title }
mail-reset = Jemand, vermutlich Sie selbst, hat für das Konto { $username } bei { $title } ein neues Passwort angefordert.
mail-reset-valid =
    { $minutes ->
        [one] Der Link gilt eine Minute lang und nur einmal.
       *[other] Der Link gilt { $minutes } Minuten lang und nur einmal.
    }
mail-reset-link = Neues Passwort wählen
mail-reset-elsewhere = Das Passwort dieses Kontos lässt sich hier nicht ändern. Bitten Sie Ihre Administration um ein neues.
mail-reset-administrator = Bitte wählen Sie ein neues Passwort für Ihr Konto { $username } bei { $title }. Ihre Administration bittet Sie darum.
mail-reset-not-you = Wenn Sie das nicht waren, müssen Sie nichts tun: Ihr Passwort bleibt, wie es ist. Geben Sie den Link nicht weiter.
mail-invited-subject = Ihr Konto bei { $title }
mail-invited = Für Sie wurde ein Konto bei { $title } angelegt. Ihr Benutzername ist { $username }. Wählen Sie ein Passwort, dann können Sie sich anmelden.
mail-invited-valid =
    { $hours ->
        [one] Der Link gilt eine Stunde lang und nur einmal.
       *[other] Der Link gilt { $hours } Stunden lang und nur einmal.
    }
mail-invited-link = Passwort wählen
mail-invited-again = Wenn er abgelaufen ist, fordern Sie einen neuen an: { $page }
mail-password-subject = Ihr Passwort für { $title } wurde geändert
mail-password = Das Passwort Ihres Kontos { $username } bei { $title } wurde geändert. Überall, wo es angemeldet war, ist es nun abgemeldet, außer dort, wo das Passwort geändert wurde.
mail-password-not-you = Wenn Sie das nicht waren, wählen Sie sofort ein neues Passwort und verständigen Sie Ihre Administration: { $page }
mail-address-subject = Ihre E-Mail-Adresse bei { $title } wurde geändert
mail-address = Die E-Mail-Adresse Ihres Kontos { $username } bei { $title } wurde in { $address } geändert. Codes gehen von nun an dorthin.
mail-address-not-you = Wenn Sie das nicht waren, verständigen Sie sofort Ihre Administration.
mail-wanted-subject = { $title }: Jemand wollte Ihre E-Mail-Adresse verwenden
mail-wanted = Jemand wollte diese E-Mail-Adresse für sein Konto bei { $title } verwenden. Sie gehört zu Ihrem Konto; deshalb wurde nichts geändert.
mail-wanted-then = Wenn Sie das mit einem zweiten Konto waren, nehmen Sie dafür eine andere Adresse. Wenn nicht, brauchen Sie nichts zu tun.
mail-device-subject = Neue Anmeldung bei { $title }
mail-device = Mit Ihrem Konto { $username } bei { $title } hat sich zum ersten Mal ein Browser angemeldet.
mail-device-not-you = Wenn Sie das nicht waren, wählen Sie sofort ein neues Passwort und verständigen Sie Ihre Administration: { $page }
mail-device-not-you-ask = Wenn Sie das nicht waren, verständigen Sie sofort Ihre Administration.

## What is wrong with an address that was typed

address-missing = Geben Sie Ihre E-Mail-Adresse ein.
address-too-long = Das ist zu lang für eine E-Mail-Adresse.
address-no-at = Eine E-Mail-Adresse enthält ein @, zum Beispiel alice@example.com.
address-two-ats = Geben Sie eine einzige E-Mail-Adresse mit einem @ ein.
address-local-part = Prüfen Sie den Teil vor dem @. Er darf nicht leer sein und nicht mit einem Punkt beginnen oder enden.
# $character: das Zeichen, oder seine Nummer (U+202E), wenn es nicht sichtbar ist.
address-character = Eine E-Mail-Adresse darf dies nicht enthalten: { $character }
address-look-alikes = Diese Adresse mischt Buchstaben verschiedener Alphabete, die gleich aussehen. Geben Sie sie neu ein.
address-domain = Prüfen Sie den Teil nach dem @. Er sollte wie example.com aussehen.

## What is wrong with a name that was typed

username-missing = Wählen Sie einen Benutzernamen.
username-too-long = Das ist zu lang für einen Benutzernamen. Er darf 64 Zeichen haben.
username-beginning = Ein Benutzername beginnt mit einem Buchstaben oder einer Ziffer.
username-character = Ein Benutzername besteht aus Buchstaben von a bis z, Ziffern, Punkten, Bindestrichen und Unterstrichen. Er darf dies nicht enthalten: { $character }
username-reserved = Der Benutzername { $username } ist reserviert. Wählen Sie einen anderen.
name-missing = Geben Sie Ihren Namen ein.
name-too-long = Das ist zu lang für einen Namen. Er darf 100 Zeichen haben.
name-character = Ein Name darf dies nicht enthalten: { $character }
name-marks = In einem Namen dürfen nicht so viele Zeichen auf einem Buchstaben stehen.
name-link = Ein Name darf keine Webadresse enthalten.

## What is wrong with a password that was chosen

password-missing = Wählen Sie ein Passwort.
password-short = Dieses Passwort ist zu kurz. Nehmen Sie mindestens { $minimum } Zeichen, zum Beispiel drei oder vier Wörter.
password-long = Dieses Passwort ist zu lang.
password-common = Dieses Passwort verwenden viele, deshalb wird es zuerst ausprobiert. Wählen Sie ein anderes, zum Beispiel drei oder vier Wörter, die nichts miteinander zu tun haben.
password-repeats = Dieses Passwort wiederholt nur wenige Zeichen. Wählen Sie eines, das schwerer zu erraten ist.
password-sequence = Dieses Passwort ist eine Reihe aufeinanderfolgender Buchstaben oder Ziffern. Wählen Sie eines, das schwerer zu erraten ist.
# $part: ein Wort des Namens, in Kleinbuchstaben.
password-holds-username = Wählen Sie ein Passwort, das Ihren Benutzernamen nicht enthält: { $part }
password-holds-address = Wählen Sie ein Passwort, das Ihre E-Mail-Adresse nicht enthält: { $part }
password-holds-name = Wählen Sie ein Passwort, das Ihren Namen nicht enthält: { $part }
password-holds-title = Wählen Sie ein Passwort, das den Namen dieser Website nicht enthält: { $part }
