### What Paragon writes to people on WhatsApp, in German. The comments are in locales/en/replies.ftl.

## An entry: what was read from a photo of a receipt

entry-booked =
    Gebucht ✓
    { entry-fields }
entry-incomplete =
    Ihr Beleg ist da, aber ich konnte nicht alles lesen.
    { entry-fields }
    Bitte senden Sie ein schärferes Foto des ganzen Belegs, damit ich ihn buchen kann.
entry-fields =
    Kategorie: { $category }
    Betrag: { $amount }
    Händler: { $merchant }
    Datum: { $date }
unknown = unbekannt
category-name =
    { $category ->
        [groceries] Lebensmittel
        [meals] Bewirtung
        [fuel] Kraftstoff
        [transport] Fahrtkosten
        [travel] Reise
        [office] Bürobedarf
        [materials] Material
        [electronics] Elektronik
        [household] Haushalt
        [health] Gesundheit
        [clothing] Kleidung
        [media] Medien
        [services] Dienstleistungen
       *[other] Sonstiges
    }
button-right = Stimmt
button-wrong = Stimmt nicht

## An entry that looks like one that we have

looks-booked = Das sieht aus wie der Beleg, den ich schon gebucht habe: { $receipt }. Ist es derselbe?
looks-kept =
    { $known ->
        [0] Das sieht aus wie der Beleg, den ich schon habe. Ist es derselbe?
       *[other] Das sieht aus wie der Beleg, den ich schon habe: { $receipt }. Ist es derselbe?
    }
button-same = Ja, derselbe
button-new = Nein, ein neuer
booked-as-new = Als neuer Beleg gebucht ✓: { $receipt }

## Corrections: the sender replies to an answer

amount-completed = Gebucht ✓ Betrag: { $amount }
amount-corrected = Korrigiert ✓ Betrag: { $amount }
category-corrected = Korrigiert ✓ Kategorie: { $category }
how-to-correct = Antworten Sie auf diese Nachricht mit dem Betrag („12,50“) oder mit „Kategorie Kraftstoff“.
correction-help = Ich kann den Betrag („12,50{"\u00A0"}EUR“) oder die Kategorie („Kategorie Kraftstoff“) ändern: Antworten Sie auf diese Nachricht damit.

## Messages that make no entry

not-a-receipt = Schönes Bild! Einen Beleg sehe ich darauf nicht, deshalb habe ich nichts gebucht.
unreadable = Das konnte ich nicht öffnen. Bitte senden Sie den Beleg noch einmal als Foto oder PDF.
help = Senden Sie mir ein Foto eines Belegs. Ich buche ihn und schreibe, was ich gelesen habe.
opted-out = Erledigt: keine Erinnerungen mehr. Fotos von Belegen beantworte ich weiterhin. START schaltet sie wieder ein.
opted-in = Erledigt: Sie erhalten wieder Erinnerungen. STOPP beendet sie.
send-a-photo = Ich kann nur Fotos und PDFs lesen. Bitte senden Sie den Beleg so.
gave-up = Das konnte ich leider noch nicht buchen. Ihr Foto ist sicher: Unser Team sieht es sich an.
takes-longer = Das dauert etwas länger. Ich antworte, sobald ich es gelesen habe.
over-limit = So viele Belege schaffe ich an einem Tag nicht. Bitte senden Sie den Rest morgen.
not-a-customer = Diese Nummer ist nur für registrierte Kunden. Bitte lassen Sie sich von der Stelle anmelden, die sie Ihnen gegeben hat.

## Formats

money-with-symbol = { $number }{"\u00A0"}{ $currency }
money-with-letters = { $number }{"\u00A0"}{ $currency }
