### What Paragon writes to people on WhatsApp, in Czech. The comments are in locales/en/replies.ftl.

## An entry: what was read from a photo of a receipt

entry-booked =
    Zaúčtováno ✓
    { entry-fields }
entry-incomplete =
    Účtenku mám, ale nepřečetl jsem všechno.
    { entry-fields }
    Pošlete prosím ostřejší fotku celé účtenky, abych ji mohl zaúčtovat.
entry-fields =
    Kategorie: { $category }
    Částka: { $amount }
    Obchodník: { $merchant }
    Datum: { $date }
unknown = neznámé
category-name =
    { $category ->
        [groceries] potraviny
        [meals] stravování
        [fuel] pohonné hmoty
        [transport] doprava
        [travel] cestování
        [office] kancelář
        [materials] materiál
        [electronics] elektronika
        [household] domácnost
        [health] zdraví
        [clothing] oblečení
        [media] média
        [services] služby
       *[other] ostatní
    }
button-right = Souhlasí
button-wrong = Něco nesouhlasí

## An entry that looks like one that we have

looks-booked = Tohle vypadá jako účtenka, kterou už mám zaúčtovanou: { $receipt }. Je to tatáž?
looks-kept =
    { $known ->
        [0] Tohle vypadá jako účtenka, kterou už mám. Je to tatáž?
       *[other] Tohle vypadá jako účtenka, kterou už mám: { $receipt }. Je to tatáž?
    }
button-same = Ano, stejná
button-new = Ne, nová
booked-as-new = Zaúčtováno jako nová účtenka ✓: { $receipt }

## Corrections: the sender replies to an answer

amount-completed = Zaúčtováno ✓ Částka: { $amount }
amount-corrected = Opraveno ✓ Částka: { $amount }
category-corrected = Opraveno ✓ Kategorie: { $category }
how-to-correct = Odpovězte na tuto zprávu částkou („12,50“) nebo „kategorie palivo“.
correction-help = Umím změnit částku („12,50{"\u00A0"}Kč“) nebo kategorii („kategorie palivo“): odpovězte na tuto zprávu jednou z nich.

## Messages that make no entry

not-a-receipt = Hezký obrázek! Účtenku na něm nevidím, takže jsem nic nezaúčtoval.
unreadable = Tohle se mi nepodařilo otevřít. Pošlete prosím účtenku znovu jako fotku nebo PDF.
help = Pošlete mi fotku účtenky. Zaúčtuji ji a napíšu vám, co jsem přečetl.
opted-out = Hotovo: připomínky už posílat nebudu. Na fotky účtenek odpovídám dál. START je zase zapne.
opted-in = Hotovo: připomínky zase budou chodit. STOP je vypne.
send-a-photo = Umím číst jen fotky a PDF. Pošlete prosím účtenku takto.
gave-up = Omlouvám se, zatím se mi to nepodařilo zaúčtovat. Fotka je v bezpečí, náš tým se na ni podívá.
takes-longer = Tohle bude chvilku trvat. Ozvu se, jakmile to přečtu.
over-limit = Tolik účtenek za den nezvládnu. Zbytek mi prosím pošlete zítra.
not-a-customer = Toto číslo slouží jen registrovaným zákazníkům. Požádejte prosím toho, od koho ho máte, aby vás zaregistroval.

## Formats

money-with-symbol = { $number }{"\u00A0"}{ $currency }
money-with-letters = { $number }{"\u00A0"}{ $currency }
