import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
} from "node:http";

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** How a process is there for those who call it. It changes when the process takes its leave. */
export interface Service {
  /** Whether load balancers are told that it can serve. */
  isReady: boolean;
  /** Whether connections are kept for the next request. */
  keepsConnections: boolean;
}

export function service(): Service {
  return { isReady: true, keepsConnections: true };
}

/**
 * Answers that ask for their connection to be closed once connections are not kept any more, also
 * those to requests that came before: the next request then goes to who stays, while one on a
 * connection that is closed under it would fail.
 */
export function leavingResponse(state: Service): typeof ServerResponse {
  return class<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
    override writeHead(status: number, ...rest: (string | Headers | undefined)[]): this {
      if (!state.keepsConnections) this.shouldKeepAlive = false;
      return super.writeHead(status, ...(rest as [string, Headers]));
    }
  };
}
