/**
 * What a stage of a run is. `pipeline.ts` lists them; from that list follow their order, what a checkpoint holds, what
 * runs of other configs may share, how a run is told again after a reload, and the report.
 *
 * A stage makes one record, which checkpoints keep: plain JSON with arrays of f32 in it. What cannot be kept (a data set,
 * a model on a device) it opens anew from that record in every session, for the stages after it.
 */

import type { StageHooks } from '../control/hooks';
import type { Dataset } from '../data/dataset';
import type { AnswersRow, MetricsRow, UserOutcomes } from '../evaluate/metrics';
import type { ModelConfig } from '../model/config';
import type { LanguageModel } from '../model/languageModel';
import type { LoadSentenceFiles } from '../rank/sentenceEncoder';
import type { TeacherServices } from '../sft/cot';
import type { ConfigPath, RunConfig } from './config';
import type { RunDevice } from './device';
import type { LeafValue } from './diff';
import type { StageGauges } from './divergence';
import type { Judges } from './judgeLine';
import type { JudgeTask } from './judging';
import type { Report, RunEvent, StageName, StageReport } from './report';
import type { SaidStep } from './transcript';

type SectionOf<Path> = Path extends `${infer Section}.${string}` ? Section : never;

/** A field of the config, or a section in the place of all of its fields. */
export type ReadPath = ConfigPath | SectionOf<ConfigPath>;

interface StageBase<Name extends StageName, Inputs, Made, Live> {
  readonly name: Name;
  /**
   * What of the config its results depend on. Two runs that
   * agree in what the stages up to this one read can share its checkpoint, so a test holds this against what is read.
   */
  readonly reads: readonly ReadPath[];
  /** What else it reads, to show something meanwhile or to fail early: no result of this or a later stage depends on it. */
  readonly glances?: readonly ReadPath[];
  /** Of its progress, known once the stages before it are done. */
  readonly steps: (config: RunConfig, inputs: Inputs) => number;
  /** What later stages get; called when it is done, and again in every session that begins after it. */
  readonly open: (made: Made, inputs: Inputs, tools: SessionTools) => Live | Promise<Live>;
  /**
   * Of a judge: what it is trained from, which may happen beside the stages after it until one of them asks for it
   * (`StageTools.besides`). Null where it has to be done before they begin.
   */
  readonly beside?: (inputs: Inputs, config: RunConfig) => JudgeTask | null;
  /** Its part of the report, of a stage under way as far as it has come. */
  readonly report?: (made: Made) => ReportPart;
  /** The rows of the table that it judged, with what each test user adds to them. */
  readonly judged?: (made: Made) => readonly Judged<AnswersRow>[];
  /**
   * What it tells while it runs, out of a report: so a run that is watched, resumed or opened again is shown in one way.
   * Its beginning, its end and its progress are told for it.
   */
  readonly events?: (report: ReportPart, own: StageReport) => Iterable<RunEvent>;
}

/** A stage without steps of its own: what it does in parts (`tools.hooks.work`) is kept, all else starts over when it was cut off. */
export interface WholeStage<Name extends StageName, Inputs, Made, Live>
  extends StageBase<Name, Inputs, Made, Live> {
  readonly run: (inputs: Inputs, tools: StageTools) => Promise<Made>;
}

/** A stage that can be taken up between its steps. */
export interface ResumableStage<Name extends StageName, Inputs, Made, Live>
  extends StageBase<Name, Inputs, Made, Live> {
  /** What it has made before its first step. */
  readonly begin: (config: RunConfig) => Made;
  /** Goes on from `tools.from` with `made`, which it changes as it goes and which checkpoints keep. */
  readonly run: (inputs: Inputs, tools: StageTools, made: Made) => Promise<void>;
}

export type Stage<Name extends StageName, Inputs, Made, Live> =
  | WholeStage<Name, Inputs, Made, Live>
  | ResumableStage<Name, Inputs, Made, Live>;

/** What stages leave in the report; tables and samples of several stages are joined. */
export type ReportPart = Partial<
  Pick<
    Report,
    | 'dataset'
    | 'rupr'
    | 'orft'
    | 'ranker'
    | 'popo'
    | 'table'
    | 'front'
    | 'counting'
    | 'baselines'
    | 'ranking'
    | 'samples'
  >
>;

/** A row of the table, and what each test user adds to it. */
export interface Judged<Row extends AnswersRow = MetricsRow> extends UserOutcomes {
  row: Row;
}

/** What a run is given from outside. */
export interface RunServices {
  /** The data set that the config names. */
  loadDataset(): Promise<Dataset>;
  /** What teachers outside this app need. */
  teaching: TeacherServices;
  /** Asked only where the config wants the Universal Sentence Encoder. */
  loadSentenceFiles: LoadSentenceFiles;
  /** A worker of their own for judges; absent where there is none. */
  openJudges?(): Judges;
  /** Absent where nobody looks on. */
  onlooker?: Onlooker;
}

/** Who looks on: what is for eyes alone, and is in no result, is measured and told too. */
export interface Onlooker {
  /** Of which prompt of a step of alignment it is measured what the update made of its answers; null: of the one that taught most. */
  prompt(): number | null;
  /** Takes what was said at a step of alignment. */
  keep(said: SaidStep): void;
}

/** What a session offers to a stage, running or being opened. */
export interface SessionTools extends RunServices {
  readonly config: RunConfig;
  readonly device: RunDevice;
  emit(event: RunEvent): void;
  /**
   * The run's model, with the weights that the checkpoint holds. From then on every checkpoint reads its weights back.
   * @param largestBatch rows of the largest batch that it will be trained on
   */
  createModel(shape: ModelConfig, largestBatch: number): Promise<LanguageModel>;
}

/** What a stage may use while it runs. */
export interface StageTools extends SessionTools {
  readonly name: StageName;
  /** First step to take: 0, or where the checkpoint stands. */
  readonly from: number;
  readonly steps: number;
  /** Of the report; push each step's loss. */
  readonly own: StageReport;
  /** To be awaited at step boundaries; between them, and in stages without steps of their own, `hooks.gate`. */
  gate(nextStep?: number): Promise<'go' | 'stop'>;
  /** To be called once a step's loss and everything else of it are kept. */
  reached(step: number): void;
  /** The config in force at a step of this stage: what is changed while a run goes on, is asked for at every step. */
  configAt(step: number): RunConfig;
  /** What a field is set to just before a step of this stage; null where nothing is said of it there. */
  changedAt(step: number, field: ConfigPath): LeafValue | null;
  /** Resolves once nothing goes on beside this stage any more: then its inputs are whole. @throws StoppedError */
  besides(): Promise<void>;
  /** To be told after every step: where one of them runs away, the run rests at the next boundary until somebody decides. */
  watch(gauges: StageGauges): void;
  /** The model's weights when the stage began; null where it does not train the model. */
  readonly beginning: Float32Array<ArrayBuffer> | null;
  /** The step that the stage has reached. */
  at(): number;
  readonly hooks: Required<StageHooks>;
  /** Adds to the report's seconds by part. */
  spend(part: string, seconds: number): void;
  /** Goes on with another config: this one and what was decided while running, so that links and reports name it. */
  settle(config: RunConfig): void;
}

/** The losses of a stage, told again. Learning rates are not kept. */
export function* lossEvents({ name, loss, gradNorm = [] }: StageReport): Generator<RunEvent> {
  for (const [step, value] of loss.entries()) {
    yield { type: 'loss', name, step, loss: value, gradNorm: gradNorm[step] ?? 0, learningRate: 0 };
  }
}

/** A stage's row of the table, and the samples shown beside it. */
export function* heldOutEvents(
  report: ReportPart,
  { name, steps }: StageReport,
  row: string,
): Generator<RunEvent> {
  for (const found of report.table ?? []) {
    if (found.stage === row) yield { type: 'metrics', row: found, step: steps };
  }
  for (const sample of report.samples ?? []) if (sample.stage === name) yield { type: 'sample', sample };
}
