export interface CotExample {
  sampleId: string;
  cot: string;
  ppl: number;
  kept: boolean;
}
