/** Of a host that owes answers: whether it has fallen silent, told once each time. Looked at about once a second. */
export class Silence {
  #heardBefore: number | undefined;
  #isTold = false;

  /** `heard` grows with whatever it says. */
  look(owes: boolean, heard: number): boolean {
    const isSilent = owes && heard === this.#heardBefore;
    const isNews = isSilent && !this.#isTold;
    this.#heardBefore = owes ? heard : undefined;
    this.#isTold = isSilent;
    return isNews;
  }
}
