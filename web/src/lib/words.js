// The texts that the server handed over, with their {named} values filled in.

export class Words {
  constructor(said, language) {
    this.said = said;
    this.language = language;
    this.plural = new Intl.PluralRules(language);
    this.format = new Intl.NumberFormat(language === "en" ? "en-GB" : language);
  }

  /** words.say("release", { id }) */
  say(key, values = {}) {
    return filled(this.said[key] ?? key, values);
  }

  /** words.count("rows", 3): the plural form that the number takes. */
  count(key, number) {
    const [one, many] = this.said[key];
    return filled(this.plural.select(number) === "one" ? one : many, { number: this.number(number) });
  }

  number(value) {
    return this.format.format(value);
  }
}

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
