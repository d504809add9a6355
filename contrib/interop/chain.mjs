// Prints the ARN of whoever the JavaScript SDK finds credentials for by itself. The first
// argument is the endpoint; the second, if any, for how many milliseconds to go on asking.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";

const [endpoint, life = "0"] = process.argv.slice(2);
const sts = new STSClient({ endpoint, credentials: fromNodeProviderChain(), region: "eu-central-1" });
const end = Date.now() + Number(life);
do {
  const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
  if (life === "0") console.log(Arn);
  else await new Promise((resolve) => setTimeout(resolve, 200));
} while (Date.now() < end);
