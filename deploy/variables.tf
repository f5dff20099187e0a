variable "region" {
  description = "AWS region; null: where AWS_DEFAULT_REGION or ~/.aws points."
  type        = string
  default     = null
}

variable "project" {
  description = "What everything is called and tagged; two deployments in one account need two names."
  type        = string
  default     = "firstlight"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.project))
    error_message = "project is 3 to 24 lower-case letters, digits and dashes: it becomes part of a bucket's name."
  }
}

variable "force_destroy" {
  description = "Whether `make destroy` erases the photos and results in the bucket; false: it stops there."
  type        = bool
  default     = true
}

# The machines.

variable "flavours" {
  description = "Kinds of machines, the wanted one first; each needs its baked image."
  type        = list(string)
  default     = ["gpu", "cpu"]

  validation {
    condition     = length(var.flavours) > 0 && alltrue([for each in var.flavours : contains(["gpu", "cpu"], each)])
    error_message = "flavours is a list of \"gpu\" and \"cpu\"."
  }
}

variable "images" {
  description = "Image ids by flavour, e.g. { gpu = \"ami-…\" }; one that is absent is the newest that `make bake` made."
  type        = map(string)
  default     = {}
}

variable "volume_throughput" {
  description = "MiB/s of a machine's gp3 volume: 125 are free, each more costs $0.04 a month of running."
  type        = number
  default     = 250
}

variable "subnets" {
  description = "Subnets of one VPC for machines, with a way to the internet; empty: a small network of our own."
  type        = list(string)
  default     = []
}

variable "network" {
  description = "Addresses of the network of our own."
  type        = string
  default     = "10.88.0.0/16"
}

# What the service may do. The names are those of its settings; README.md lists them all.

variable "max_machines" {
  description = "Machines at most."
  type        = number
  default     = 1
}

variable "dollar_budget" {
  description = "Dollars a day for machines."
  type        = number
  default     = 5
}

variable "keep_s" {
  description = "Seconds a result is kept after the end."
  type        = number
  default     = 86400
}

variable "job_deadline_s" {
  description = "Seconds within which every job ends."
  type        = number
  default     = 21600
}

variable "lease_s" {
  description = "Seconds a worker holds a job without a heartbeat."
  type        = number
  default     = 30
}

variable "allowed_origins" {
  description = "Origins of pages elsewhere that may call the API and send photos into the bucket."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for each in var.allowed_origins : can(regex("^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$", each))])
    error_message = "An origin looks like https://photos.example.com: no path and no slash at its end."
  }
}

variable "settings" {
  description = "Further settings by name, for the API and the workers alike."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, value in var.settings : can(regex("^[A-Z0-9_]+$", name)) && can(regex("^[A-Za-z0-9_./:,@%+=*-]*$", value))])
    error_message = "A setting is a NAME in capitals and a value that needs no quotes in a shell."
  }
}

variable "api_principals" {
  description = "Who may take the API's role beside EC2; empty: whoever this account allows to."
  type        = list(string)
  default     = []
}

# Money.

variable "budget_email" {
  description = "Who is told when the account's month costs too much; empty: nobody."
  type        = string
  default     = ""
}

variable "budget_usd" {
  description = "Dollars a month of the whole account; told at 80 % spent, and when the forecast passes it."
  type        = number
  default     = 50
}

# The API's own small host; without it the API runs wherever `firstlight up` does.

variable "api_host" {
  description = "Whether to run the API here, on a small machine that is always on."
  type        = bool
  default     = false
}

variable "api_domain" {
  description = "The host's name, e.g. photos.example.com; its certificate comes by itself once the name leads there."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+)?$", var.api_domain))
    error_message = "api_domain is a name alone, in small letters, like photos.example.com: no https://, no port and no slash."
  }
}

variable "api_zone" {
  description = "Route 53 zone in which to make that name; empty: make it yourself, the address is an output."
  type        = string
  default     = ""
}

variable "api_image" {
  description = "The API's container image in a registry that the host may read without a password."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9._:/@-]*$", var.api_image))
    error_message = "api_image looks like registry.example.com/firstlight-api:1, perhaps with @sha256:…"
  }
}

variable "api_source" {
  description = "Or a Git repository to run from its checkout, e.g. https://example.com/firstlight.git#v1."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(https://[A-Za-z0-9._~:/@%+-]+(#[A-Za-z0-9._/-]+)?)?$", var.api_source))
    error_message = "api_source looks like https://example.com/firstlight.git, perhaps with #BRANCH or #TAG."
  }
}

variable "api_type" {
  description = "The host's instance type, x86-64 or Arm; empty: t3.micro, or t3.small where BRIDGE=1 wants 2 GiB."
  type        = string
  default     = ""
}

variable "api_ami" {
  description = "The host's own image; empty: Debian 12, the newest when the host is made."
  type        = string
  default     = ""
}
