// What the API sends and takes: names for the types that are generated from its own contract.
import type { components } from "./contract";

type Schemas = components["schemas"];

export type Status = Schemas["Status"];
export type Phase = NonNullable<Status["phase"]>;
export type Result = Schemas["ResultFacts"];
export type Receipt = Schemas["Receipt"];
export type Invitation = Schemas["Invitation"];
export type Warmth = Schemas["Warmth"];
export type Problem = Schemas["Problem"];
export type Failure = Schemas["Failure"];
/** Why a machine may be needed soon. */
export type Intent = Exclude<NonNullable<Schemas["WarmCall"]["intent"]>, "leave">;
export type Format = NonNullable<Schemas["UploadFields"]["format"]>;

/** What is asked of a photo. `ratio` null: as the service finds best. */
export interface Wish {
  ratio: number | null;
  format: Format;
}

/** A photo's id and the token that may cancel and delete it. */
export interface Keys {
  id: string;
  token: string;
}
