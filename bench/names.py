"""Made-up names of places and people, with the letters that Turkish and its neighbours write."""

from __future__ import annotations

from random import Random

from citygraph.text import slug

_ONSETS = (*"bcçdfghklmnprsştvyz", "br", "kr", "tr")
_VOWELS = "aeıioöuüâ"
_CODAS = ("", "", "", "n", "r", "l", "k", "ş", "m", "ğ", "z", "ň", "ț")
_ENDINGS = ("", "", "", "", "abad", "burg", "dağ", "grad", "hisar", "köy", "ova", "şehir")
_GIVEN = (
    *("Ahmet", "Ayşe", "Beste", "Burhan", "Cemil", "Çağla", "Doğan", "Elif", "Fatma", "Gülşen", "Hüseyin", "Işıl"),
    *("İlyas", "İpek", "Jasmin", "Kâmil", "Leyla", "Mirosław", "Nuray", "Oğuz", "Ömer", "Pınar", "Renata", "Søren"),
    *("Şule", "Tunç", "Uğur", "Ümit", "Václav", "Yağmur", "Zoë", "Žarko"),
)


class Names:
    """Names by chance, each with an identifier that no other name of this maker has."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._taken: set[str] = set()

    def place(self, region: str = "") -> tuple[str, str]:
        """A slug and a name. One name in forty is a namesake's: its slug adds the region."""
        while True:
            name = self.word() + self._random.choice(_ENDINGS)
            plain = slug(name)
            if region and self._random.random() < 1 / 40:
                plain = f"{plain}-{region}"
            if self._take(plain):
                return plain, name

    def person(self) -> tuple[str, str]:
        """A slug and a name."""
        while True:
            name = f"{self._random.choice(_GIVEN)} {self.word()}{self._random.choice(('', '', 'oğlu', 'ová', 'yan'))}"
            plain = slug(name)
            if self._take(plain):
                return plain, name

    def word(self) -> str:
        """One to three syllables with a capital by Turkish rules: i becomes İ, ı becomes I."""
        choice = self._random.choice
        start = choice(_VOWELS) if self._random.random() < 1 / 8 else ""
        syllables = (choice(_ONSETS) + choice(_VOWELS) + choice(_CODAS) for _ in range(choice((2, 2, 3))))
        word = start + "".join(syllables)
        return ("İ" if word[0] == "i" else word[0].upper()) + word[1:]

    def _take(self, plain: str) -> bool:
        if plain in self._taken:
            return False
        self._taken.add(plain)
        return True
